// Package objstore is the S3 adapter: small documents written only with
// conditions, and immutable objects named by the SHA-256 of their content.
//
// Every object carries its SHA-256 in its metadata, since a gateway keeps no
// checksum of single puts; reading verifies it. A key never stands below the
// key of another object ("a/b" and "a/b/c"): a gateway over a file system
// cannot hold both.
package objstore
