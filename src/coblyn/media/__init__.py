"""Files of images and sounds, from strangers, to plain pixels and samples.

The room knows nothing of models, prompts or APIs.
"""
