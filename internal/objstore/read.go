package objstore

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Get reads an object and its etag, and verifies its SHA-256 where it carries
// one.
func (s *Store) Get(ctx context.Context, key string) (body []byte, etag string, err error) {
	return s.GetUpTo(ctx, key, math.MaxInt64-1)
}

// GetUpTo is Get of an object of at most maxBytes. A larger one is ErrTooLarge,
// and nothing of it is read where the server tells its size.
func (s *Store) GetUpTo(ctx context.Context, key string, maxBytes int64) (body []byte, etag string, err error) {
	output, err := s.open(ctx, key, nil)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = output.Body.Close() }()
	if size := aws.ToInt64(output.ContentLength); size > maxBytes {
		return nil, "", fmt.Errorf("read %s: %w: %d bytes, at most %d are taken", key, ErrTooLarge, size, maxBytes)
	}
	if body, err = io.ReadAll(io.LimitReader(output.Body, maxBytes+1)); err != nil {
		return nil, "", classify("read "+key, err)
	}
	if int64(len(body)) > maxBytes {
		return nil, "", fmt.Errorf("read %s: %w: at most %d bytes are taken", key, ErrTooLarge, maxBytes)
	}
	return body, aws.ToString(output.ETag), verify(key, sum(body), output.Metadata[shaMetadata])
}

// GetContent reads the object of a reference and verifies its SHA-256.
func (s *Store) GetContent(ctx context.Context, ref Ref) ([]byte, error) {
	body, _, err := s.Get(ctx, ref.Key)
	if err != nil {
		return nil, err
	}
	if ref.SHA256 == "" {
		return nil, fmt.Errorf("read %s: the reference has no sha256", ref.Key)
	}
	return body, verify(ref.Key, sum(body), ref.SHA256)
}

// GetRange reads sizeBytes bytes of an object from offset on, fewer where the
// object ends before. They are not verified.
func (s *Store) GetRange(ctx context.Context, key string, offset, sizeBytes int64) ([]byte, error) {
	if offset < 0 || sizeBytes <= 0 {
		return nil, fmt.Errorf("read %s: range of %d bytes from %d: want at least one byte", key, sizeBytes, offset)
	}
	span := fmt.Sprintf("bytes=%d-%d", offset, offset+sizeBytes-1)
	output, err := s.open(ctx, key, &span)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Body.Close() }()
	// A gateway that does not take to a range answers the whole object.
	if got := aws.ToString(output.ContentRange); !strings.HasPrefix(got, fmt.Sprintf("bytes %d-", offset)) {
		return nil, fmt.Errorf("read %s: asked for %s, got range %q", key, span, got)
	}
	body, err := io.ReadAll(output.Body)
	return body, classify("read "+key, err)
}

func (s *Store) open(ctx context.Context, key string, span *string) (*s3.GetObjectOutput, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	output, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key, Range: span})
	return output, classify("read "+key, err)
}

// Head says what the bucket knows of an object, ErrNotFound where there is none.
func (s *Store) Head(ctx context.Context, key string) (Object, error) {
	if err := checkKey(key); err != nil {
		return Object{}, err
	}
	output, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return Object{}, classify("look for "+key, err)
	}
	return Object{
		Key: key, SizeBytes: aws.ToInt64(output.ContentLength), ETag: aws.ToString(output.ETag),
		SHA256: output.Metadata[shaMetadata], ModifiedAt: aws.ToTime(output.LastModified).UTC(),
	}, nil
}

// List reads all objects whose key starts with prefix, ordered by key. A prefix
// that names a directory ends with a slash; an empty one lists the bucket.
func (s *Store) List(ctx context.Context, prefix string) ([]Object, error) {
	var objects []Object
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, classify("list "+prefix, err)
		}
		for _, found := range page.Contents {
			objects = append(objects, Object{
				Key: aws.ToString(found.Key), SizeBytes: aws.ToInt64(found.Size),
				ETag: aws.ToString(found.ETag), ModifiedAt: aws.ToTime(found.LastModified).UTC(),
			})
		}
	}
	return objects, nil
}

// ListRefs is List with the oldest object first, as references without hashes.
func (s *Store) ListRefs(ctx context.Context, prefix string) ([]Ref, error) {
	objects, err := s.List(ctx, prefix)
	slices.SortStableFunc(objects, func(a, b Object) int { return a.ModifiedAt.Compare(b.ModifiedAt) })
	refs := make([]Ref, len(objects))
	for i, object := range objects {
		refs[i] = Ref{Key: object.Key, SizeBytes: object.SizeBytes}
	}
	return refs, err
}
