"""What predictions are worth: metrics, intervals, calibration, decisions and explanations."""
