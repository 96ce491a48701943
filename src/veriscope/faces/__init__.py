"""Faces in a picture or clip: where they are, which are the same, whether they can be judged, and how they are cut out."""

from veriscope.faces.align import crop_face
from veriscope.faces.detect import FaceDetector
from veriscope.faces.track import MAX_FACES, Tracker, jitter

__all__ = ["MAX_FACES", "FaceDetector", "Tracker", "crop_face", "jitter"]
