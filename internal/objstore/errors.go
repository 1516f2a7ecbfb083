package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"puenktlich/schemas"
)

// What an operation can fail with. The client's error is wrapped beside it.
var (
	// ErrNotFound: there is no object under this key.
	ErrNotFound = schemas.ErrObjectMissing
	// ErrExists: there is an object under this key already.
	ErrExists = errors.New("object exists")
	// ErrChanged: the object is not the one the caller had read.
	ErrChanged = errors.New("object has changed")
	// ErrUnavailable: no answer, or one that says S3 cannot serve now. Whether a
	// write took place is unknown: read before writing again.
	ErrUnavailable = errors.New("s3 is unavailable")
	// ErrNoSpace: its disk or quota is full.
	ErrNoSpace = errors.New("s3 has no space left")
	// ErrDenied: the keys may not do this.
	ErrDenied = errors.New("s3 denies access")
	// ErrCorrupt: the content is not that of its SHA-256.
	ErrCorrupt = schemas.ErrObjectCorrupt
	// ErrTooLarge: the object has more bytes than the caller takes.
	ErrTooLarge = schemas.ErrObjectTooLarge
	// ErrBadKey: no object can have this key.
	ErrBadKey = errors.New("bad object key")
)

// sentinels by S3's error code. The last group are codes of gateways.
var sentinels = map[string]error{
	"NoSuchKey": ErrNotFound,
	"NotFound":  ErrNotFound,
	// Without its bucket no object is known to be missing.
	"NoSuchBucket": ErrUnavailable,

	"PreconditionFailed":         ErrChanged,
	"ConditionalRequestConflict": ErrChanged,

	"AccessDenied":          ErrDenied,
	"InvalidAccessKeyId":    ErrDenied,
	"SignatureDoesNotMatch": ErrDenied,

	"InternalError":      ErrUnavailable,
	"ServiceUnavailable": ErrUnavailable,
	"SlowDown":           ErrUnavailable,
	"RequestTimeout":     ErrUnavailable,

	"KeyTooLongError": ErrBadKey,

	"InsufficientStorage":           ErrNoSpace,
	"QuotaExceeded":                 ErrNoSpace,
	"XMinioStorageFull":             ErrNoSpace,
	"ObjectParentIsFile":            ErrBadKey,
	"ExistingObjectIsDirectory":     ErrBadKey,
	"DirectoryObjectContainsData":   ErrBadKey,
	"XMinioParentIsObject":          ErrBadKey,
	"XMinioInvalidObjectName":       ErrBadKey,
	"ErrDirectoryNotEmpty":          ErrBadKey,
	"XMinioServerNotInitialized":    ErrUnavailable,
	"XMinioBackendDown":             ErrUnavailable,
	"XMinioObjectExistsAsDirectory": ErrBadKey,
}

// classify gives err the operation's name and a sentinel. The end of the
// caller's own context is neither S3's fault nor hidden.
func classify(operation string, err error) error {
	if err == nil {
		return nil
	}
	if kind := sentinel(err); kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%s: %w: %w", operation, kind, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}

func sentinel(err error) error {
	if kind, known := sentinels[code(err)]; known {
		return kind
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() != 0 {
		return statusSentinel(response.HTTPStatusCode())
	}
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return ErrUnavailable
	}
	return nil
}

// statusSentinel is for answers without a code of S3's, such as those to HEAD.
func statusSentinel(status int) error {
	switch {
	case status == 404:
		return ErrNotFound
	case status == 401 || status == 403:
		return ErrDenied
	case status == 412:
		return ErrChanged
	case status == 507:
		return ErrNoSpace
	case status == 429 || status >= 500:
		return ErrUnavailable
	}
	return nil
}

// code is S3's own error code, empty without one.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
