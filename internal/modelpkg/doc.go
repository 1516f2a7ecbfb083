// Package modelpkg writes, signs, verifies, stores and loads model packages.
//
// A package is a directory. Its identity, the digest, is the SHA-256 of its
// manifest.json in hexadecimal; the manifest lists every other file with size
// and SHA-256, so the digest covers them all but the signature.
//
//	MLmodel                      MLflow's description: signature, python_function
//	requirements.txt, conda.yaml, python_env.yaml, input_example.json,
//	serving_input_example.json   what MLflow expects beside it
//	code/puenktlich_model.py     the same forecast in Python
//	buckets.json, cancel.json    trees as XGBoost writes them; cancel may be absent
//	calibration.json             bucket edges, cancellation rate, calibration of the
//	                             delay and, since it is fitted, of P(cancelled)
//	features.json                catalogue: version, names, units, meaning, sentinel
//	golden.json                  inputs with the forecasts they must give
//	metrics.json                 scores with baselines and intervals
//	baselines.json               the baselines as fitted
//	drift-reference.json         distribution of each feature in training
//	sample.parquet               labelled sample of the test data
//	sample-metrics.json          scores on that sample, to be computed again
//	references.json              run, seed, parameters, data sets with hashes
//	provenance.json              where the data came from, licences
//	environment.json             code version and environment of the training
//	CARD.md                      the model card
//	manifest.json                name, version, path, size and sha256 of the above
//	signature.json               over all of the above; not in the manifest
//
// The same Contents give the same files, except an ECDSA signature, which is
// made with a random number.
package modelpkg
