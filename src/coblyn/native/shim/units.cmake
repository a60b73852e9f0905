# llama.cpp in fewer compilations, optimized less where it makes no difference.
#
# Compiling libllama mostly means parsing the same headers again for each of its files, so its files are combined into
# units. Code that runs once or builds graphs is compiled with -O1: it mostly calls other code. Code that runs for every
# token, and the tokenizers, are compiled with -O2. Products, attention and all other computation, which is ggml's CPU code
# and ours, keep their flags.

# The files of a target, as seen from its directory.
function(coblyn_sources result target)
  get_target_property(tree ${target} SOURCE_DIR)
  get_target_property(sources ${target} SOURCES)
  string(REPLACE "${tree}/" "" sources "${sources}")
  set(${result} ${sources} PARENT_SCOPE)
endfunction()

# A unit of files of a target, which are then no longer compiled separately.
function(coblyn_unit target name effort)
  get_target_property(tree ${target} SOURCE_DIR)
  coblyn_sources(sources ${target})
  set(files)
  foreach(file IN LISTS ARGN)
    if(file IN_LIST sources)
      list(APPEND files "${file}")
    endif()
  endforeach()
  list(TRANSFORM files REPLACE "(.+)" "#include \"\\1\"\n" OUTPUT_VARIABLE text)
  string(JOIN "" text ${text})
  set(unit "${CMAKE_CURRENT_BINARY_DIR}/units/${name}.cpp")
  file(CONFIGURE OUTPUT "${unit}" CONTENT "${text}" @ONLY)
  target_sources(${target} PRIVATE "${unit}")
  set_property(SOURCE "${unit}" TARGET_DIRECTORY ${target} APPEND PROPERTY COMPILE_OPTIONS ${effort})
  list(TRANSFORM files PREPEND "${tree}/")
  set_property(SOURCE ${files} TARGET_DIRECTORY ${target} PROPERTY HEADER_FILE_ONLY ON)
endfunction()

# One of n parts of a list: every n-th entry, so that neighbours, which are similar, go to different parts.
function(coblyn_part result number count)
  set(part)
  set(index 0)
  foreach(item IN LISTS ARGN)
    math(EXPR place "${index} % ${count}")
    if(place EQUAL number)
      list(APPEND part "${item}")
    endif()
    math(EXPR index "${index} + 1")
  endforeach()
  set(${result} ${part} PARENT_SCOPE)
endfunction()

set_target_properties(llama PROPERTIES UNITY_BUILD OFF)
coblyn_sources(llama_sources llama)

set(token llama-batch.cpp llama-context.cpp llama-graph.cpp)
set(cells llama-kv-cache.cpp llama-kv-cache-iswa.cpp llama-memory.cpp llama-memory-recurrent.cpp)
set(other_cells ${llama_sources})
list(FILTER other_cells INCLUDE REGEX "^llama-(kv-cache|memory).*\\.cpp$")
list(REMOVE_ITEM other_cells ${cells})
set(text llama-vocab.cpp unicode-data.cpp unicode.cpp)
set(graphs ${llama_sources})
list(FILTER graphs INCLUDE REGEX "^models/.*\\.cpp$")
set(once ${llama_sources})
list(FILTER once INCLUDE REGEX "^llama.*\\.cpp$")
# The system headers that it includes define many words as macros.
list(REMOVE_ITEM once ${token} ${cells} ${other_cells} ${text} llama-mmap.cpp)

coblyn_unit(llama token -O2 ${token})
coblyn_unit(llama cells -O2 ${cells})
coblyn_unit(llama other_cells -O2 ${other_cells})
coblyn_unit(llama text -O2 ${text})
foreach(number RANGE 2)
  coblyn_part(part ${number} 3 ${graphs})
  coblyn_unit(llama graphs_${number} -O1 ${part})
endforeach()
foreach(number RANGE 1)
  coblyn_part(part ${number} 2 ${once})
  coblyn_unit(llama once_${number} -O1 ${part})
endforeach()

# Each image or sound is prepared once, and the graph of its encoder built once; only image filters and spectra are loops
# of libmtmd itself.
coblyn_sources(mtmd_sources mtmd)
set(encoders ${mtmd_sources})
list(FILTER encoders INCLUDE REGEX "^models/.*\\.cpp$")
coblyn_unit(mtmd encoders -O1 ${encoders})
get_target_property(mtmd_tree mtmd SOURCE_DIR)
foreach(file clip mtmd mtmd-helper mtmd-helper-gen)
  set_property(SOURCE "${mtmd_tree}/${file}.cpp" TARGET_DIRECTORY mtmd APPEND PROPERTY COMPILE_OPTIONS -O1)
endforeach()

set(ggml_tree "${COBLYN_LLAMA_DIR}/ggml/src")
set_property(SOURCE "${ggml_tree}/ggml-backend-meta.cpp" "${ggml_tree}/ggml-opt.cpp" "${ggml_tree}/gguf.cpp"
  TARGET_DIRECTORY ggml-base APPEND PROPERTY COMPILE_OPTIONS -O1)
foreach(target ggml ggml-rpc)
  target_compile_options(${target} PRIVATE -O1)
endforeach()
