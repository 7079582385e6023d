"""One evaluation: its faces, its arms, and what the figures say."""
