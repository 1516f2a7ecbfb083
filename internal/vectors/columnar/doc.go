// Package columnar reads rows of vectors from Arrow record batches and writes
// forecasts as record batches: Arrow IPC streams from and to anyone, and files of
// rows in Parquet or Arrow. A stream is read one message at a time within fixed
// bounds of memory, whatever it says of its own sizes.
package columnar
