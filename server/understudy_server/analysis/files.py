"""What lies in an analysis's folder (storage.AnalysisFolder), beside the passes as the engine writes them."""

CORRECTIONS, POINTS, MATTES = "corrections.json", "points.npz", "mattes"  # given
POINTS_MADE, FACES_MADE = (
    "points.npy",
    "faces.npy",
)  # made: (T, 133, 3), and (T, 4) edges, no numbers without a face
