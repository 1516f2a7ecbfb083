"""Unmodified clients against a running API: the address is the argument, the
vectors and what they must give come on standard input, what went wrong goes to
standard output as JSON."""

import json
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import requests
import tritonclient.http as triton
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from tritonclient.utils import InferenceServerException

address = sys.argv[1]
given = json.load(sys.stdin)
names, horizons = given["names"], np.array(given["horizons"], dtype=np.float64)
vectors = np.array([[np.nan if v is None else v for v in row] for row in given["vectors"]], dtype=np.float32)
wrong, checked = [], []


def agree(what, on_time, cancelled, cumulative):
    """Bit for bit: no tolerance."""
    checked.append(what)
    for key, got in (("on_time", on_time), ("cancelled", cancelled), ("cumulative", cumulative)):
        want = np.array(given[key], dtype=np.float64)
        if not np.array_equal(np.asarray(got, dtype=np.float64).reshape(want.shape), want):
            wrong.append(f"{what}: {key} is {np.asarray(got).tolist()}, want {given[key]}")


def check(what, holds):
    checked.append(what)
    if not holds:
        wrong.append(what)


client = triton.InferenceServerClient(address)
check("live", client.is_server_live())
check("ready", client.is_server_ready())
check("model ready", client.is_model_ready("punctuality") and client.is_model_ready("punctuality", "7"))
check("no other model", not client.is_model_ready("other"))
check("binary extension", "binary_tensor_data" in client.get_server_metadata()["extensions"])
about = client.get_model_metadata("punctuality")
check("inputs", [(i["name"], i["datatype"], i["shape"]) for i in about["inputs"]] == [("features", "FP32", [-1, len(names)]), ("horizon_minutes", "FP64", [-1])])
check("columns", about["inputs"][0]["parameters"]["columns"].split(",") == names)


def tensors(binary):
    features = triton.InferInput("features", list(vectors.shape), "FP32")
    features.set_data_from_numpy(vectors, binary_data=binary)
    minutes = triton.InferInput("horizon_minutes", [len(horizons)], "FP64")
    minutes.set_data_from_numpy(horizons, binary_data=binary)
    return [features, minutes]


for compression in (None, "gzip"):
    answer = client.infer("punctuality", tensors(True), request_id="mine", request_compression_algorithm=compression)
    check("id", answer.get_response()["id"] == "mine" and answer.get_response()["model_version"] == "7")
    agree(f"binary in and out, {compression}", answer.as_numpy("p_on_time"), answer.as_numpy("p_cancelled"), answer.as_numpy("cumulative"))
    check("quantiles", answer.as_numpy("quantiles").dtype == np.int32 and answer.as_numpy("quantiles").shape == (2, 3))
outputs = [triton.InferRequestedOutput(name, binary_data=False) for name in ("p_on_time", "p_cancelled", "cumulative")]
answer = client.infer("punctuality", tensors(True), model_version="7", outputs=outputs)
agree("binary in, JSON out", answer.as_numpy("p_on_time"), answer.as_numpy("p_cancelled"), answer.as_numpy("cumulative"))
columns = []
for i, name in enumerate(names):
    column = triton.InferInput(name, [len(vectors), 1], "FP32")
    column.set_data_from_numpy(vectors[:, i : i + 1].copy(), binary_data=True)
    columns.append(column)
answer = client.infer("punctuality", columns + tensors(True)[1:])
agree("a tensor a column", answer.as_numpy("p_on_time"), answer.as_numpy("p_cancelled"), answer.as_numpy("cumulative"))
try:
    client.infer("punctuality", tensors(False))  # this client writes NaN, which is no JSON
    wrong.append("NaN in JSON was taken")
except InferenceServerException as error:
    check("NaN in JSON is explained", "write null" in error.message())

frame = pa.table({"horizon_minutes": horizons, **{name: pa.array(vectors[:, i], from_pandas=True) for i, name in enumerate(names)}})
for compression in (None, "lz4", "zstd"):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, frame.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(frame, max_chunksize=1)
    reply = requests.post(f"http://{address}/v1/forecasts/arrow", data=sink.getvalue().to_pybytes(), headers={"Content-Type": "application/vnd.apache.arrow.stream"}, timeout=30)
    check(f"status {reply.status_code} {reply.text[:200] if reply.status_code != 200 else ''}", reply.status_code == 200)
    got = pa.ipc.open_stream(reply.content).read_all()
    agree(f"Arrow, {compression}", got["p_on_time"], got["p_cancelled"], np.stack([got.column(i) for i in range(2, got.num_columns)], axis=1))

split = {"columns": ["horizon_minutes"] + names, "data": [[float(h)] + [None if np.isnan(v) else float(v) for v in row] for h, row in zip(horizons, vectors)]}
records = [dict(zip(split["columns"], row)) for row in split["data"]]
inputs = {name: [row[i] for row in split["data"]] for i, name in enumerate(split["columns"])}
text = "\n".join([",".join(split["columns"])] + [",".join("" if v is None else repr(v) for v in row) for row in split["data"]])
for what, options in {
    "dataframe_split": {"json": {"dataframe_split": split}}, "dataframe_records": {"json": {"dataframe_records": records}},
    "instances": {"json": {"instances": records}}, "inputs": {"json": {"inputs": inputs, "params": {}}},
    "csv": {"data": text.encode(), "headers": {"Content-Type": "text/csv"}},
}.items():
    reply = requests.post(f"http://{address}/invocations", timeout=30, **options)
    check(f"status {reply.status_code} {reply.text[:200] if reply.status_code != 200 else ''}", reply.status_code == 200)
    got = reply.json()["predictions"]
    agree(what, [p["p_on_time"] for p in got], [p["p_cancelled"] for p in got], [[v for k, v in p.items() if k.startswith("p_delay")] for p in got])
check("ping", requests.get(f"http://{address}/ping", timeout=30).status_code == 200)

# MLflow's own client, which writes a data frame as dataframe_split.
host, port = address.split(":")
scoring = ScoringServerClient(host, int(port))
scoring.ping()
check("MLflow's ping", True)
check("MLflow's version", scoring.get_version() == "3.17.2")
columns = {"horizon_minutes": horizons, **{name: vectors[:, i].astype(np.float64) for i, name in enumerate(names)}}
sent = pd.DataFrame(columns)
got = scoring.invoke(sent.astype(object).where(sent.notna(), None)).get_predictions()
agree("MLflow's client", got["p_on_time"], got["p_cancelled"], got[[c for c in got.columns if c.startswith("p_delay")]].to_numpy())
reordered = sent[list(reversed(sent.columns))]
got = scoring.invoke(reordered.astype(object).where(reordered.notna(), None)).get_predictions()
agree("MLflow's client, columns in another order", got["p_on_time"], got["p_cancelled"], got[[c for c in got.columns if c.startswith("p_delay")]].to_numpy())
whole = sent.astype(object).where(sent.notna(), None)
for what, bad, says in (
    ("NaN, which is no JSON", sent, "write null"),
    ("a column missing", whole.drop(columns=[names[0]]), "1 of"),
    ("a column too much", whole.assign(nothing=1), 'column \\"nothing\\" is none of the model'),
    ("a column of text", whole.assign(horizon_minutes="soon"), "a string where a number should be"),
):
    try:
        scoring.invoke(bad)
        wrong.append(f"MLflow's client: {what} was taken")
    except Exception as error:  # it knows no kinds of its own
        check(f"MLflow's client: {what}: {error}", says in str(error))
json.dump({"wrong": wrong, "checked": len(checked)}, sys.stdout)
