"""Pictures of the segments: plain data in, a PNG or SVG file out; matplotlib is imported when one is drawn.

``picture`` is what is drawn, ``draw`` makes the file, ``layout`` puts the panels into a figure: ``scatter``
(its axes in ``axes`` and ``principal``, its labels in ``placing``), ``dendrogram`` and ``table``.
``markers`` are the segments' colours and shapes, ``lettering`` is text that fits.
"""

from __future__ import annotations

from crm_online.plots.draw import draw_segments
from crm_online.plots.picture import SegmentPicture

__all__ = ["SegmentPicture", "draw_segments"]
