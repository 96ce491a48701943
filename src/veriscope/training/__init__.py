"""Fine-tuning a detector on labelled pictures of one's own.

Above evaluation, below the surfaces: plan → labelled pictures → prepared pictures → split → training → result → held-out
figures. PyTorch, transformers and accelerate come with the extra `train`; only `networks`, `layers`, `lite`, `saved`, `session`
and `export` import them. Importing this package opens no model.
"""
