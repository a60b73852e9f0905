"""Translates messages of compilers, linkers and make from other languages to their English wording.

Covers only messages that a diagnosis uses. The translations are from the tools' catalogues (GCC, binutils, make, glibc,
Visual Studio).
"""
# ruff: noqa: RUF001 (letters of other alphabets are what this is about)

from __future__ import annotations

import re

__all__ = ["english"]

_PHRASES: dict[str, tuple[str, ...]] = {
    "No such file or directory": (
        "Aucun fichier ou dossier de ce type",
        "Aucun fichier ou répertoire de ce type",
        "Datei oder Verzeichnis nicht gefunden",
        "No existe el fichero o el directorio",
        "No existe el archivo o el directorio",
        "Arquivo ou diretório não encontrado",
        "Arquivo ou diretório inexistente",
        "File o directory non esistente",
        "Нет такого файла или каталога",
        "Nie ma takiego pliku ani katalogu",
        "Böyle bir dosya ya da dizin yok",
        "Bestand of map bestaat niet",
        "Filen eller katalogen finns inte",
        "Adresář nebo soubor neexistuje",
        "Nincs ilyen fájl vagy könyvtár",
        "Немає такого файла або каталогу",
        "没有那个文件或目录",
        "沒有此一檔案或目錄",
        "そのようなファイルやディレクトリはありません",
        "그런 파일이나 디렉터리가 없습니다",
    ),
    "No space left on device": (
        "Aucun espace disponible sur le périphérique",
        "Auf dem Gerät ist kein Speicherplatz mehr verfügbar",
        "No queda espacio en el dispositivo",
        "Não há espaço disponível no dispositivo",
        "На устройстве не осталось свободного места",
        "设备上没有空间",
        "デバイスに空き領域がありません",
    ),
    "Permission denied": (
        "Permission non accordée",
        "Keine Berechtigung",
        "Permiso denegado",
        "Permissão negada",
        "Отказано в доступе",
        "权限不够",
        "許可がありません",
    ),
    "command not found": (
        "commande introuvable",
        "Commande introuvable",
        "Kommando nicht gefunden",
        "Befehl nicht gefunden",
        "orden no encontrada",
        "comando não encontrado",
        "команда не найдена",
        "未找到命令",
        "コマンドが見つかりません",
    ),
    "first defined here": (
        "défini pour la première fois ici",
        "zuerst hier definiert",
        "hier zuerst definiert",
        "primero se definió aquí",
        "definido primeiro aqui",
        "здесь первое определение",
        "第一次在此定义",
        "ここで最初に定義されています",
    ),
    "No rule to make target": (
        "Pas de règle pour fabriquer la cible",
        "Pas de règle pour générer la cible",
        "Keine Regel vorhanden, um das Target",
        "Keine Regel, um „target“",
        "No hay ninguna regla para construir el objetivo",
        "Sem regra para processar o alvo",
        "Нет правила для сборки цели",
        "没有规则可制作目标",
    ),
    "Illegal instruction": (
        "Instruction non permise",
        "Instruction illégale",
        "Ungültiger Maschinenbefehl",
        "Instrucción ilegal",
        "Istruzione non consentita",
        "Instrução ilegal",
        "Недопустимая инструкция",
        "非法指令",
    ),
    "Segmentation fault": (
        "Erreur de segmentation",
        "Speicherzugriffsfehler",
        "Violación de segmento",
        "Errore di segmentazione",
        "Falha de segmentação",
        "Ошибка сегментирования",
        "段错误",
    ),
    "Killed": ("Processus arrêté", "已杀死", "強制終了", "Убито"),
    "unresolved external symbol": (
        "无法解析的外部符号",
        "Verweis auf nicht aufgelöstes externes Symbol",
        "未解決の外部シンボル",
        "symbole externe non résolu",
        "símbolo externo sin resolver",
        "símbolo externo não resolvido",
        "неразрешенный внешний символ",
    ),
    "Cannot open include file": (
        "无法打开包括文件",
        "Datei (Include) kann nicht geöffnet werden",
        "Impossible d'ouvrir le fichier include",
        "No se puede abrir el archivo incluir",
        "Não é possível abrir arquivo incluir",
        "не удается открыть файл включение",
        "include ファイルを開けません",
    ),
    "is not recognized as an internal or external command": (
        "不是内部或外部命令",
        "n'est pas reconnu en tant que commande interne",
        "no se reconoce como un comando interno",
        "ist entweder falsch geschrieben",
    ),
}

# Texts followed by a quoted name, and texts preceded by one.
_BEFORE: dict[str, tuple[str, ...]] = {
    "undefined reference to": (
        "référence indéfinie vers",
        "nicht definierter Verweis auf",
        "Nicht definierter Verweis auf",
        "undefinierter Verweis auf",
        "referência não definida para",
        "riferimento non definito a",
        "неопределённая ссылка на",
        "неопределенная ссылка на",
        "未定義參照到",
    ),
    "multiple definition of": (
        "définitions multiples de",
        "Mehrfachdefinition von",
        "mehrfache Definition von",
        "definiciones múltiples de",
        "definições múltiplas de",
        "множественное определение",
        "повторное определение",
    ),
    "in function": ("dans la fonction", "in Funktion", "In Funktion", "en la función", "в функции", "在函数"),
}  # fmt: skip
_BEHIND: dict[str, tuple[str, ...]] = {
    "undefined reference to": (
        "未定义的引用",
        "に対する定義されていない参照です",
        "에 대한 정의되지 않은 참조",
        "sin definir",
    ),
    "multiple definition of": ("被多次定义", "が重複して定義されています"),
}  # fmt: skip
_LABELS: dict[str, str] = {
    "fatal error": "erreur fatale|ölümcül hata|fatale fout|ödesdigert fel|krytyczny błąd|критична помилка"
    "|schwerwiegender Fehler|error fatal|erro fatal|критическая ошибка|фатальная ошибка"
    "|致命错误|致命的エラー|치명적 오류",
    "error": "erreur|hata|fout|fel|błąd|chyba|помилка|Fehler|erro|errore|ошибка|错误|錯誤|エラー|오류",
    "warning": "attention|uyarı|waarschuwing|varning|ostrzeżenie|попередження"
    "|avertissement|Warnung|aviso|advertencia|предупреждение|警告|경고",
}

_QUOTE = "[«»\"'`„“”‚‘’「」]"
_NAME = rf"{_QUOTE}{{1,2}}\s?(?P<name>[^«»\n]{{1,200}}?)\s?{_QUOTE}{{1,2}}"
_QUOTED = tuple(
    (word, re.compile(pattern), rf"{words} `\g<name>'")
    for table, shape in (
        (_BEFORE, "{word}\\s*{name}"),
        (_BEHIND, "(?:对|referencia a)?\\s*{name}\\s*{word}"),
    )
    for words, foreign in table.items()
    for word in foreign
    for pattern in (shape.format(word=word, name=_NAME),)
)
_LABELLED = tuple(
    (re.compile(rf"(?<=\d) ?[:：] ?(?:{foreign}) ?[:：] ?"), f": {word}: ")
    for word, foreign in _LABELS.items()
)
_MAKE_WORDS = "Erreur|Fehler|Erro|Errore|Ошибка|错误|錯誤|エラー|오류"
_MAKE = re.compile(rf"(?<=\] )(?:{_MAKE_WORDS}) ?(?=\d)")
_NOT_FOUND = re.compile(
    r"(?:ne peut (?:pas )?trouver|no se puede encontrar|não foi possível localizar|не удалось найти|找不到) ?(?=-l)"
)
_DEFINED = re.compile(r"(?:已经在|ist bereits in) (\S+) (?:中定义|definiert)")
# French puts a space before each colon.
_COLON = re.compile(
    r"(?<=\S) : (?=first defined here|No such file|Permission denied|command not found)"
)
_COLON_OF_MAKE = re.compile(r"(?<=:\d) : |(?<=:\d\d) : |(?<=:\d\d\d) : ")
# Texts with ASCII letters only: most lines contain none of them, and are skipped at once.
_ASCII = (
    *(each for table in (_PHRASES, _BEFORE, _BEHIND) for some in table.values() for each in some if each.isascii()),
    *("peut trouver", "peut pas trouver", "puede encontrar", "bereits in"),
)  # fmt: skip
_ASCII_LABEL = re.compile(rf"(?:{'|'.join(_LABELS.values())}|{_MAKE_WORDS}) ?[:\d]")


def english(line: str) -> str:
    """A line translated to the tools' English wording if known; otherwise unchanged."""
    if line.isascii() and not _is_foreign(line):
        return line
    for words, foreign in _PHRASES.items():
        for phrase in foreign:
            line = line.replace(phrase, words)
    for word, pattern, form in _QUOTED:
        if word in line:
            line = pattern.sub(form, line)
    for label, words in _LABELLED:
        line = label.sub(words, line)
    line = _MAKE.sub("Error ", line)
    line = _NOT_FOUND.sub("cannot find ", line)
    line = _DEFINED.sub(r"already defined in \1", line)
    if " : " in line:
        line = _COLON_OF_MAKE.sub(": ", _COLON.sub(": ", line))
    return line


def _is_foreign(line: str) -> bool:
    return any(words in line for words in _ASCII) or bool(_ASCII_LABEL.search(line))
