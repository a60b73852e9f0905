"""Decodes sound files; runs in the child process."""

from __future__ import annotations

import miniaudio
import numpy as np
from numpy.typing import NDArray

from coblyn.media.unreadable import Unreadable

__all__ = ["MAX_SECONDS", "read_sound"]

MAX_SECONDS = 600
"""Maximum length of a sound in seconds."""

_SHORTEST = 0.1
"""Minimum length in seconds; shorter sounds are padded with silence, since encoders need this much."""

_BLOCK = 1 << 16
"""Number of samples decoded at a time."""


def read_sound(data: bytes, sample_rate: int) -> bytes:
    """The samples of a sound file as float32 from -1 to 1, one channel.

    Args:
        data: WAV, MP3, FLAC or Ogg Vorbis.
        sample_rate: Wanted samples per second.

    Raises:
        Unreadable: It is not a sound, or is broken, empty or too long.
    """
    most = MAX_SECONDS * sample_rate
    found: list[NDArray[np.float32]] = []
    total = 0
    try:
        stream = miniaudio.stream_memory(
            data, miniaudio.SampleFormat.FLOAT32, 1, sample_rate, frames_to_read=_BLOCK
        )
        for block in stream:
            found.append(np.array(block, np.float32))
            total += len(block)
            if total > most:
                raise Unreadable(f"the sound is longer than {MAX_SECONDS} seconds")
    except miniaudio.MiniaudioError as error:
        reason = "this is not a sound that can be read: it has to be WAV, MP3, FLAC or Ogg Vorbis"
        raise Unreadable(f"{reason} ({error})") from error
    if total == 0:
        raise Unreadable("the sound has no samples")
    missing = max(0, int(_SHORTEST * sample_rate) - total)
    samples = np.concatenate([*found, np.zeros(missing, np.float32)])
    plain: NDArray[np.float32] = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return plain.clip(-1, 1).tobytes()
