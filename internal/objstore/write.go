package objstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Put writes an object and overwrites what is there. Use it only for keys
// whose content is determined by the key.
func (s *Store) Put(ctx context.Context, key string, body []byte) error {
	_, err := s.put(ctx, s.document(key, body))
	return classify("write "+key, err)
}

// PutIfAbsent writes an object that does not exist yet, else ErrExists. Of
// several writers exactly one succeeds. It is sent once: after ErrUnavailable
// the caller reads to know whether it wrote.
func (s *Store) PutIfAbsent(ctx context.Context, key string, body []byte) error {
	input := s.document(key, body)
	input.IfNoneMatch = aws.String("*")
	_, err := s.put(ctx, input, once)
	if sentinel(err) == ErrChanged {
		return fmt.Errorf("write %s: %w: %w", key, ErrExists, err)
	}
	return classify("write "+key, err)
}

// PutIfMatch replaces the object the caller read under etag and answers the new
// etag; ErrChanged when it is another one by now, or gone. It is sent once:
// after ErrUnavailable the caller reads to know whether it wrote.
func (s *Store) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	if etag == "" {
		return "", fmt.Errorf("write %s: no etag: use PutIfAbsent for a new object", key)
	}
	input := s.document(key, body)
	input.IfMatch = &etag
	newETag, err := s.put(ctx, input, once)
	if sentinel(err) == ErrNotFound {
		return "", fmt.Errorf("write %s: %w: %w: %w", key, ErrChanged, ErrNotFound, err)
	}
	return newETag, classify("write "+key, err)
}

// PutContent writes an object under prefix/SHA256suffix. Content that is there
// already is not sent again.
func (s *Store) PutContent(ctx context.Context, prefix, suffix string, body []byte) (Ref, error) {
	digest := sum(body)
	ref := Ref{Key: strings.TrimSuffix(prefix, "/") + "/" + digest + suffix, SHA256: digest, SizeBytes: int64(len(body))}
	found, err := s.Head(ctx, ref.Key)
	if err == nil && found.SHA256 == digest && found.SizeBytes == ref.SizeBytes {
		return ref, nil
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Ref{}, err
	}
	return ref, s.Put(ctx, ref.Key, body)
}

// Delete removes an object; one that is not there is no error.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
	if sentinel(err) == ErrNotFound {
		return nil
	}
	return classify("delete "+key, err)
}

// once keeps the client from sending a conditional write again: the second
// would be told that the first one changed the object.
func once(o *s3.Options) { o.RetryMaxAttempts = 1 }

// object is the request that writes a body with its digest. The body is
// seekable because it is read twice, once for the signature.
func (s *Store) object(key string, body io.ReadSeeker, digest string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: body, Metadata: map[string]string{shaMetadata: digest}}
}

func (s *Store) document(key string, body []byte) *s3.PutObjectInput {
	return s.object(key, bytes.NewReader(body), sum(body))
}

// put answers the etag. Its error is not classified.
func (s *Store) put(ctx context.Context, input *s3.PutObjectInput, opts ...func(*s3.Options)) (string, error) {
	if err := checkKey(*input.Key); err != nil {
		return "", err
	}
	output, err := s.client.PutObject(ctx, input, opts...)
	if err != nil {
		return "", err
	}
	return aws.ToString(output.ETag), nil
}
