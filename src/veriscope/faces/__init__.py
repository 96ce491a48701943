"""Faces in a picture: where they are, whether they can be judged, and how they are cut out."""

from veriscope.faces.align import crop_face
from veriscope.faces.detect import FaceDetector

__all__ = ["FaceDetector", "crop_face"]
