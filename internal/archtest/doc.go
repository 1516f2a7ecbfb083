// Package archtest holds the plan of the house as data, and the rules that keep
// it true: which room may import which, what may name a library, where the time
// of day may be read, how long files and functions may grow.
//
// Tree reads the source once; every rule is a function from a Tree to sentences,
// one for each violation, empty when all is well. The tests run the rules on the
// repository and on small planted trees that break them. Files of tests are free,
// but for importing commands.
//
// The tests also hold docker-compose.yml, the Helm chart, the dashboards and the
// alerts against the settings, commands, pools and metrics of the code.
package archtest
