package objstore

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Options says where the bucket is.
type Options struct {
	// Endpoint is http://host:port or https://host[:port].
	Endpoint string
	// Region defaults to us-east-1.
	Region    string
	AccessKey string
	SecretKey string
	// Bucket needs three characters at least.
	Bucket string
}

// Store is one bucket. It is safe for concurrent use and needs no closing.
type Store struct {
	client *s3.Client
	bucket string
}

const defaultRegion = "us-east-1"

// dialTimeout and answerTimeout bound the wait for a connection and for the
// first byte of an answer; bodies take as long as the caller's context allows.
const (
	dialTimeout   = 5 * time.Second
	answerTimeout = time.Minute
)

// S3's naming rules, without dots: they break certificates.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// New prepares access to the bucket and sends nothing: a process starts while
// S3 is down.
func New(opts Options) (*Store, error) {
	endpoint, err := url.Parse(opts.Endpoint)
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https" {
		return nil, fmt.Errorf("objstore: endpoint %q: want http://host:port or https://host", opts.Endpoint)
	}
	if !bucketName.MatchString(opts.Bucket) {
		return nil, fmt.Errorf("objstore: bucket %q: want 3 to 63 lower-case letters, digits and -", opts.Bucket)
	}
	if opts.AccessKey == "" || opts.SecretKey == "" {
		return nil, fmt.Errorf("objstore: access key and secret key are required")
	}
	region := opts.Region
	if region == "" {
		region = defaultRegion
	}
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(opts.Endpoint),
		Region:       region,
		UsePathStyle: true, // an address without a name for each bucket
		Credentials:  credentials.NewStaticCredentialsProvider(opts.AccessKey, opts.SecretKey, ""),
		HTTPClient:   httpClient(),
		// Our own SHA-256 is checked instead: a gateway keeps none for single puts.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
	return &Store{client, opts.Bucket}, nil
}

// Open is New and makes the bucket if it is missing.
func Open(ctx context.Context, opts Options) (*Store, error) {
	s, err := New(opts)
	if err != nil {
		return nil, err
	}
	return s, s.EnsureBucket(ctx)
}

func httpClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	transport.ResponseHeaderTimeout = answerTimeout
	transport.MaxIdleConnsPerHost = 64
	return &http.Client{Transport: transport}
}

// EnsureBucket makes the bucket if it is missing.
func (s *Store) EnsureBucket(ctx context.Context) error {
	_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.bucket})
	if err == nil {
		return nil
	}
	if kind := sentinel(err); kind != ErrNotFound {
		return classify("look for bucket "+s.bucket, err)
	}
	input := &s3.CreateBucketInput{Bucket: &s.bucket}
	if region := s.client.Options().Region; region != defaultRegion {
		// Amazon wants the region named everywhere but in its first.
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err = s.client.CreateBucket(ctx, input)
	if code(err) == "BucketAlreadyOwnedByYou" {
		return nil // another process was faster
	}
	return classify("make bucket "+s.bucket, err)
}
