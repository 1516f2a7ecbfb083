"""Prints what outside programs make of a package, as one JSON object.

Arguments: the package's directory, the public key in PEM.
"""

import json
import os
import sys

import mlflow.pyfunc
import numpy as np
import pandas as pd

directory, public_key = sys.argv[1:]


def read(name):
    with open(os.path.join(directory, name), encoding="utf-8") as file:
        return json.load(file)


golden = read("golden.json")
names = [f["name"] for f in read("features.json")["features"]]
frame = pd.DataFrame([g["vector"] for g in golden], columns=names, dtype=np.float32)
frame.insert(0, "horizon_minutes", [float(g["horizon_minutes"]) for g in golden])
model = mlflow.pyfunc.load_model(directory)
forecast = model.predict(frame)
without = frame.drop(columns="horizon_minutes")
without["horizon"] = frame["horizon_minutes"].astype(np.float32)
result = {
    "cumulative": forecast[[c for c in forecast.columns if c.startswith("p_delay")]].values.tolist(),
    "on_time": forecast["p_on_time"].tolist(),
    "cancelled": forecast["p_cancelled"].tolist(),
    "columns": [c.name for c in model.metadata.get_output_schema()] == list(forecast.columns),
    "missing": int(frame.isna().sum().sum()),
    "defaults_to_feature": bool(model.predict(without).shape == forecast.shape),
    "example": list(model.input_example.shape) if hasattr(model, "input_example") and model.input_example is not None else None,
}

import model_signing

model_signing.verifying.Config().use_elliptic_key_verifier(public_key=public_key).verify(
    directory, os.path.join(directory, "signature.json")
)
result["signature"] = True
with open(os.path.join(directory, "CARD.md"), "a", encoding="utf-8") as file:
    file.write("x")
try:
    model_signing.verifying.Config().use_elliptic_key_verifier(public_key=public_key).verify(
        directory, os.path.join(directory, "signature.json")
    )
except ValueError as err:
    result["refusal"] = str(err)
print(json.dumps(result))
