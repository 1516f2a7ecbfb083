// Package naming finds stations and trains by the names people give them, and what
// is near to a name that nothing has.
package naming
