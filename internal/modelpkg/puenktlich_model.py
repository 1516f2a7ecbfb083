"""Forecasts of a puenktlich model package, computed with numpy and XGBoost.

    import mlflow.pyfunc
    mlflow.pyfunc.load_model(directory).predict(frame)

or, without MLflow, with this file on the path:

    puenktlich_model.Package(directory).forecast(vectors, horizons)

Python keeps compiled code beside this file, which a verifier of the package
refuses as unknown: set PYTHONDONTWRITEBYTECODE=1, or work on a copy.
"""

import json
import os

import numpy as np
import xgboost

CLIP = 1e-6  # smallest probability told apart from 0


class Package:
    """One package; directory holds its MLmodel."""

    def __init__(self, directory):
        self.directory = directory
        features = self._read("features.json")
        self.features = [f["name"] for f in features["features"]]
        self.sentinel = np.float32(features["sentinel"])
        calibration = self._read("calibration.json")
        self.edges = calibration["edges_minutes"]
        self.cancel_rate = calibration["cancel_rate"]
        self.calibration = Calibration(calibration["calibration"])
        cancelled = calibration.get("cancel_calibration")
        self.cancel_calibration = Calibration(cancelled) if cancelled else None
        self.buckets = self._booster("buckets.json")
        self.cancel = self._booster("cancel.json")

    def _read(self, name):
        with open(os.path.join(self.directory, name), encoding="utf-8") as file:
            return json.load(file)

    def _booster(self, name):
        path = os.path.join(self.directory, name)
        if not os.path.exists(path):
            return None
        booster = xgboost.Booster()
        booster.load_model(path)
        return booster

    def forecast(self, vectors, horizons):
        """Forecast rows x features (NaN = not known) at horizons in minutes.

        Returns (rows x edges P(delay <= edge | runs), rows P(cancelled)).
        """
        values = np.array(vectors, dtype=np.float32)
        if values.ndim != 2 or values.shape[1] != len(self.features):
            raise ValueError(f"shape {values.shape}, rows x {len(self.features)} features are needed")
        values[np.isnan(values)] = self.sentinel
        if not np.isfinite(values).all() or (values < self.sentinel).any():
            raise ValueError(f"features are finite and not below {self.sentinel}, or NaN")
        matrix = xgboost.DMatrix(values)
        margins = self.buckets.predict(matrix, output_margin=True).astype(np.float64)
        weights = np.exp(margins - margins.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        cumulative = np.minimum(np.cumsum(weights, axis=1)[:, :-1], 1)
        horizons = np.asarray(horizons, dtype=np.float64)
        return self.calibration.apply(cumulative, horizons), self._cancelled(matrix, horizons)

    def _cancelled(self, matrix, horizons):
        if self.cancel is None:
            return np.full(matrix.num_row(), self.cancel_rate)
        margins = self.cancel.predict(matrix, output_margin=True).astype(np.float64)
        p = 1 / (1 + np.exp(-margins.reshape(-1)))
        return self.cancel_calibration.apply(p[:, None], horizons)[:, 0] if self.cancel_calibration else p

    def predict(self, data, params=None):
        """What mlflow.pyfunc calls: a pandas frame in, one out, with the same index."""
        import pandas as pd

        vectors = data[self.features].to_numpy(dtype=np.float32, na_value=np.nan)
        column = "horizon_minutes" if "horizon_minutes" in data.columns else "horizon"
        cumulative, cancelled = self.forecast(vectors, data[column].to_numpy(dtype=np.float64))
        out = {"p_on_time": cumulative[:, self.edges.index(5)], "p_cancelled": cancelled}
        for k, edge in enumerate(self.edges):
            out[f"p_delay_at_most_{edge}_min"] = cumulative[:, k]
        return pd.DataFrame(out, index=data.index)


class Calibration:
    """Of probabilities by the minutes from forecast to planned event."""

    def __init__(self, document):
        self.grid = document["grid"]
        self.pooled = document["pooled"]
        self.isotonic = document.get("isotonic", [])

    def apply(self, cumulative, horizons):
        """Platt scaling; slope and intercept linear in the horizon, constant beyond the grid."""
        points = self.grid or [{"horizon_minutes": 0, "platt": self.pooled}]
        at = [point["horizon_minutes"] for point in points]
        slope = np.interp(horizons, at, [point["platt"]["slope"] for point in points])
        intercept = np.interp(horizons, at, [point["platt"]["intercept"] for point in points])
        p = np.clip(cumulative, CLIP, 1 - CLIP)
        logit = slope[:, None] * (np.log(p) - np.log1p(-p)) + intercept[:, None]
        p = np.maximum.accumulate(np.clip(1 / (1 + np.exp(-logit)), CLIP, 1 - CLIP), axis=1)
        return self._isotonic(p, horizons) if self.isotonic else p

    def _isotonic(self, p, horizons):
        """Lines through (0, 0) and (1, 1); their results linear in the horizon, constant beyond the grid."""
        at = np.array([point["horizon_minutes"] for point in self.isotonic], dtype=np.float64)
        lines = np.stack([np.interp(p, [0, *line["forecasts"], 1], [0, *line["rates"], 1])
                          for line in (point["isotonic"] for point in self.isotonic)])
        lines = np.clip(lines, CLIP, 1 - CLIP)
        above = np.searchsorted(at, horizons, side="right")
        low, high = np.maximum(above - 1, 0), np.minimum(above, len(at) - 1)
        gap = np.where(high > low, at[high] - at[low], 1)
        share = np.where(high > low, (horizons - at[low]) / gap, 0)[:, None]
        rows = np.arange(len(p))
        return np.maximum.accumulate((1 - share) * lines[low, rows] + share * lines[high, rows], axis=1)


def _load_pyfunc(path):
    return Package(path)
