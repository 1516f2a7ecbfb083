// Package vectors is rows of feature values as outside programs send them, by
// whatever protocol: how the columns are called, a table that is filled row by
// row or column by column, and the names of what is answered. The rooms below
// it each speak one wire format.
package vectors
