// Package oci makes container images and model artefacts out of model packages,
// without a daemon: an image that serves its package by itself, and an artefact
// of the CNCF ModelPack specification with the same files. Both are written as an
// OCI layout and as one archive, or pushed to a registry.
//
// The same program and package give the same digests: entries ascend by path,
// carry the package's time, and belong to root.
package oci
