// Package infer answers feature vectors in the protocols of standard clients:
// the Open Inference Protocol, MLflow's scoring server and Arrow IPC streams,
// each with its own shape of errors. A handler takes the body apart, lets the
// champion forecast and log, and writes the answer; the codecs are rooms of
// their own below internal/vectors.
package infer
