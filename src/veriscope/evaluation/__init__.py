"""Measuring detectors on labelled pictures: what `veriscope compare`, calibration and fine-tuning share.

Above the engine, below the surfaces: labelled → scoring (asking keeps each answer in a cache) → metrics, intervals → compare.
Importing a module of it opens no model.
"""
