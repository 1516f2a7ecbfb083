package chengine

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
)

// credentials are the one user name and password accepted, as digests: equal
// lengths make the comparison take the same time for every guess.
type credentials struct{ user, password [sha256.Size]byte }

func newCredentials(user, password string) credentials {
	return credentials{user: sha256.Sum256([]byte(user)), password: sha256.Sum256([]byte(password))}
}

func (c credentials) match(user, password string) bool {
	got := newCredentials(user, password)
	sameUser := subtle.ConstantTimeCompare(got.user[:], c.user[:])
	samePassword := subtle.ConstantTimeCompare(got.password[:], c.password[:])
	return sameUser&samePassword == 1
}

// check takes the credentials from where ClickHouse's clients put them: basic
// authentication, headers, or the query string, the first present wins.
func (c credentials) check(r *http.Request) error {
	user, password := presented(r)
	if c.match(user, password) {
		return nil
	}
	return refuse(codeAuthenticationFailed, "AUTHENTICATION_FAILED",
		"%s: Authentication failed: password is incorrect, or there is no user with such name.", user)
}

func presented(r *http.Request) (user, password string) {
	query := r.URL.Query()
	if u, p, ok := r.BasicAuth(); ok {
		user, password = u, p
	} else if r.Header.Get("X-ClickHouse-User") != "" || r.Header.Get("X-ClickHouse-Key") != "" {
		user, password = r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	} else {
		user, password = query.Get("user"), query.Get("password")
	}
	if user == "" {
		user = "default"
	}
	return user, password
}
