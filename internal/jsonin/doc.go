// Package jsonin reads JSON (RFC 8259) from memory in one pass and hands
// numbers over without building a tree, for bodies that are mostly numbers. It
// accepts what encoding/json accepts and no more: no NaN, no Infinity, nothing
// after the document. A name that occurs twice in an object is an error.
package jsonin
