"""A reader's own picture (PNG, JPEG, DICOM, …): checked, made small, and forgotten. See ``read``."""

from core.image_files.picture import MAX_BYTES, SIDE, Picture, PictureFile, Refused, shown
from core.image_files.reading import read

__all__ = ["MAX_BYTES", "SIDE", "Picture", "PictureFile", "Refused", "read", "shown"]
