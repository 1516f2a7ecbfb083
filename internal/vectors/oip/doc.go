// Package oip speaks version 2 of the Open Inference Protocol over REST, with
// the binary tensor extension: requests to rows of vectors, forecasts to
// responses. The protocol is published at
// https://github.com/kserve/open-inference-protocol, the extension with the
// Triton server.
//
// The vectors are the tensor [FeaturesTensor] of shape [rows, features], or one
// tensor a feature of shape [rows]. Beside them stands horizon_minutes.
package oip
