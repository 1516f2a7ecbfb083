// Package mlflow speaks the protocol of MLflow's scoring server: the bodies of
// POST /invocations to rows of vectors, forecasts to its reply. Columns are
// called as in the signature of a model package, so that a data frame gives the
// same here and to mlflow.pyfunc.
package mlflow
