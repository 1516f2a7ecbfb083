// Package archive keeps answers of the Timetables API in Zstandard tar files
// and replays them.
//
// An archive holds one file per answer:
//
//	plan/EVA/YYMMDD/HH.xml            the hour asked for
//	rchg/EVA/YYYY-MM-DDTHHMMSS.xml    the moment of the poll
//	fchg/EVA/YYYY-MM-DDTHHMMSS.xml
//
// Times are German local time. The moment of a poll may have a fraction of a
// second (.5 or .123456789 after the seconds). In the hour that the autumn
// change repeats it ends in A for the first pass (summer time) or B for the
// second, the letters by which that hour is told apart in Germany; [Name]
// always writes them there. A name of that hour without a letter belongs to the
// first pass, unless an entry of the same call and station before it in the
// archive lies at or after that moment: then to the second.
//
// A [Recording] is a directory of such archives, one a day by custom.
package archive
