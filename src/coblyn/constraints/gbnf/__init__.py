"""GBNF, the grammars of llama.cpp and KoboldCPP, for llguidance.

``read`` parses the text to a tree, ``lexemes`` finds the loops that may be matched greedily, and ``write`` writes Lark.
"""

from coblyn.constraints.gbnf.read import read_gbnf
from coblyn.constraints.gbnf.write import write_lark

__all__ = ["lark_of_gbnf"]


def lark_of_gbnf(text: str) -> str:
    """The grammar in llguidance's dialect of Lark.

    Raises:
        ValueError: It is invalid; the message gives the error, the line and the column.
    """
    return write_lark(read_gbnf(text))
