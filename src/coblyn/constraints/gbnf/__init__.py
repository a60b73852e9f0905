"""GBNF, the grammars of llama.cpp and KoboldCPP, for llguidance.

``read`` parses the text to a tree, ``lexemes`` finds the loops that may be matched greedily, and ``write`` writes Lark.
"""

from coblyn.constraints.gbnf.read import read_gbnf
from coblyn.constraints.gbnf.write import Exclude, write_lark

__all__ = ["lark_of_gbnf"]


def lark_of_gbnf(text: str, exclude: Exclude = lambda token: "<[*]>") -> str:  # noqa: ARG005
    """The grammar in llguidance's dialect of Lark.

    Args:
        text: The grammar.
        exclude: Gives the symbol of any token but one, which depends on the vocabulary; without it, that is any token.

    Raises:
        ValueError: It is invalid; the message gives the error, the line and the column.
    """
    return write_lark(read_gbnf(text), exclude)
