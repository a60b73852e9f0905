export default {
  compilerOptions: {
    runes: true,
    // Build the DOM node by node: no HTML string is parsed at run time, so the page can forbid that altogether.
    fragments: "tree",
  },
};
