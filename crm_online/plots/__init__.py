"""Pictures of segments and predictions: plain data in, a PNG or SVG file out; matplotlib is imported when one is drawn.

``picture`` is what is drawn, ``draw`` makes the file, ``layout`` puts the panels into a figure: ``scatter``
(its axes in ``axes`` and ``principal``, its labels in ``placing``), ``dendrogram`` and ``table``.
``judged`` draws how good predictions are. ``markers`` are the segments' colours and shapes, ``lettering`` is text that
fits, ``style`` how all pictures look.
"""

from __future__ import annotations

from crm_online.plots.draw import draw_predictions, draw_segments
from crm_online.plots.picture import SegmentPicture

__all__ = ["SegmentPicture", "draw_predictions", "draw_segments"]
