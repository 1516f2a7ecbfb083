// Package api is the prediction API over HTTP, and the small web page at its
// root. One handler struct stands for each resource, over the narrow interfaces
// it needs; handlers return errors, and one middleware turns them into problem
// details (RFC 9457). The document of all routes is openapi.json.
package api
