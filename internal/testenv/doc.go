// Package testenv gives tests real servers: the ClickHouse engine and the S3
// gateway, one of each for a test program, started by the first test that asks.
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
//
// The servers are the test program itself, run again with an environment
// switch, and end with it, however it ends. A part that is missing fails the
// test and says what to run.
package testenv
