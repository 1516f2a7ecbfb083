// Package rulebook reads policy files: readable YAML, checked as a whole, every
// problem with its line and value. What it reads is judged by package policy.
package rulebook

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"

	"gopkg.in/yaml.v3"

	"puenktlich/internal/policy"
	"puenktlich/schemas"
)

//go:embed default.yaml
var defaultFile []byte

// Default is the policy where none is configured.
func Default() policy.Book {
	book, err := Parse("default.yaml", defaultFile)
	if err != nil {
		panic(err) // a test reads it
	}
	return book
}

// DefaultText is the file of it, with its comments.
func DefaultText() string { return string(defaultFile) }

// Load reads a file; an empty path is the default.
func Load(path string) (policy.Book, error) {
	if path == "" {
		return Default(), nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return policy.Book{}, fmt.Errorf("policy: %w", err)
	}
	return Parse(path, text)
}

// Canonical is the JSON form of a policy, which Parse reads too, and its name and
// hash: comments and order of keys make no difference.
func Canonical(book policy.Book) (string, schemas.PolicyRef, error) {
	body, err := json.Marshal(book)
	if err != nil {
		return "", schemas.PolicyRef{}, fmt.Errorf("policy %s: %w", book.Name, err)
	}
	sum := sha256.Sum256(body)
	return string(body), schemas.PolicyRef{Name: book.Name, Version: book.Version, SHA256: hex.EncodeToString(sum[:])}, nil
}

// Parse reads the text of a policy file. All its problems are answered together,
// each a *Problem.
func Parse(file string, text []byte) (policy.Book, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return policy.Book{}, fmt.Errorf("%s: %w", file, err)
	}
	r := &reader{file: file}
	var book policy.Book
	if document.Kind != yaml.DocumentNode {
		return book, &Problem{File: file, Line: 1, Want: "the policy is empty: `puenktlich policy show` prints the default"}
	}
	root := document.Content[0]
	r.keys(root, "", "version name events rules | actions", func(name string, value *yaml.Node, key string) {
		switch name {
		case "version":
			book.Version = r.whole(value, key, 1, 1_000_000)
		case "name":
			book.Name = r.name(value, key)
		case "events":
			book.Events = r.whole(value, key, 1, 100_000_000)
		case "rules":
			r.list(value, key, func(item *yaml.Node, key string) { book.Rules = append(book.Rules, r.rule(item, key)) })
		case "actions":
			book.Actions = r.actions(value, key)
		}
	})
	names := map[string]bool{}
	for i, rule := range book.Rules {
		if names[rule.Name] {
			r.problem(root, fmt.Sprintf("rules[%d].name", i), "%s names an earlier rule too", rule.Name)
		}
		names[rule.Name] = true
	}
	return book, r.failed()
}

var plainName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,40}$`)

func (r *reader) name(at *yaml.Node, key string) string {
	if !plainName.MatchString(at.Value) {
		r.problem(at, key, "want a name of small letters, digits and hyphens")
	}
	return at.Value
}

// maxNights bounds the windows of rules.
const maxNights = 28

func (r *reader) rule(at *yaml.Node, key string) policy.Rule {
	rule := policy.Rule{Nights: 1, Severity: schemas.AlertWarning}
	r.keys(at, key, "name why when then | nights of after severity holds champion_days newest_days follow_up", func(name string, value *yaml.Node, key string) {
		switch name {
		case "name":
			rule.Name = r.name(value, key)
		case "why":
			rule.Why = r.text(value, key)
		case "when":
			r.list(value, key, func(item *yaml.Node, key string) { rule.When = append(rule.When, r.condition(item, key)) })
		case "then":
			rule.Then = one(r, value, key, schemas.VerdictKinds()[1:]...)
		case "nights":
			rule.Nights = r.whole(value, key, 1, maxNights)
		case "of":
			rule.Of = r.whole(value, key, 1, maxNights)
		case "after":
			rule.After = r.after(value, key)
		case "severity":
			rule.Severity = one(r, value, key, schemas.AlertInfo, schemas.AlertWarning, schemas.AlertCritical)
		case "holds":
			rule.Holds = r.yes(value, key)
		case "champion_days":
			rule.ChampionDays = r.whole(value, key, 0, 365)
		case "newest_days":
			rule.NewestDays = r.whole(value, key, 2, 3650)
		case "follow_up":
			rule.FollowUp = r.followUp(value, key)
		}
	})
	if rule.Of == 0 {
		rule.Of = rule.Nights
	}
	if rule.Of < rule.Nights {
		r.problem(at, key, "%d nights of %d can never be reached", rule.Nights, rule.Of)
	}
	if (rule.NewestDays > 0 || rule.FollowUp != nil) && rule.Then != "" && rule.Then != schemas.VerdictRetrain && rule.Then != schemas.VerdictSearch {
		r.problem(at, key, "newest_days and follow_up are of a retraining, and then is %s: want retrain or search", rule.Then)
	}
	if rule.Name == schemas.RuleFollowUp {
		r.problem(at, key, "%s names what the follow_up of a rule leads to: want another name", rule.Name)
	}
	if rule.Holds && rule.Then != "" && rule.Then != schemas.VerdictAlert && rule.Then != schemas.VerdictHandover {
		r.problem(at, key, "holds forbids changes of the model, and then is %s: want alert or handover", rule.Then)
	}
	return rule
}

func (r *reader) after(at *yaml.Node, key string) *policy.After {
	a := policy.After{Times: 1}
	r.keys(at, key, "action days | times", func(name string, value *yaml.Node, key string) {
		switch name {
		case "action":
			a.Action = one(r, value, key, schemas.VerdictKinds()[2:]...)
		case "times":
			a.Times = r.whole(value, key, 1, 100)
		case "days":
			a.Days = r.whole(value, key, 1, 365)
		}
	})
	return &a
}
