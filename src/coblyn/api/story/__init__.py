"""``/api/coblyn/stories``: the journal of stories over HTTP."""
