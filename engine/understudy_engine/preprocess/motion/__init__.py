"""One person's points through time: without tremble, with short gaps filled, corrected by hand."""
