"""GBNF, the grammars of llama.cpp and KoboldCPP, for llguidance.

``read`` makes a tree of the text, ``lexemes`` finds which loops may be read greedily, ``write`` writes Lark.
"""

from coblyn.constraints.gbnf.read import read_gbnf
from coblyn.constraints.gbnf.write import write_lark

__all__ = ["lark_of_gbnf"]


def lark_of_gbnf(text: str) -> str:
    """The grammar in llguidance's dialect of Lark.

    Raises:
        ValueError: It is wrong; the message says what, and in which line.
    """
    return write_lark(read_gbnf(text))
