// Package pdfcheck decides on this machine, without a paid call, whether one of
// several candidate passwords opens a PDF. It knows nothing of where the PDF or
// the candidates come from, nor what follows from the verdict:
//
//	result := pdfcheck.Check(ctx, spooled, size, candidates, pdfcheck.Limits{})
//
// A wrong Locked would bury a good document, a wrong Opens costs one call that
// would have been made without the check as well. So Locked is said only of a
// file that is encrypted by the book and refuses candidates that are printable
// ASCII; whatever is broken, odd or unknown (public-key security handlers, say,
// or a file that an update encrypted anew) is Undecided.
//
// # What is read
//
// The encryption dictionary is itself not encrypted. The trailer that startxref
// leads to names it, and its object's heading is looked for in the file. PDF
// dictionaries are parsed by the library that the stand-in API also uses,
// pdfcpu, from pieces of 16 KiB at most, nested 8 deep at most. The passwords
// are then checked as the standard says: as user and as owner password, in
// revisions 2 to 4 (RC4, AES-128) and 5 and 6 (AES-256).
//
// # Why not the library's reader
//
// pdfcpu v0.15.0 checks passwords too, but as the first step of reading a whole
// document, and that will not do for files from outside:
//
//   - A file of 130 bytes can take the process down: with "/Size 20000000" in
//     its trailer and a table whose first object is a free number 1, reading
//     took 24 s and 760 MB, and both grow with that number. No limit of the
//     library covers the loop, it looks at no context, and neither recover nor
//     a goroutine left behind bounds memory.
//   - It refuses the right password of files that other readers open: those of
//     V 4 without /Length are checked with a key of 40 bits. By its source, a
//     padded /O and an /ID that is a reference end the same way. Its error,
//     ErrWrongPassword, does not tell these from a wrong password.
//   - It stops early for a wrong password only; for the right one it loads every
//     object.
//
// What is left to do by hand is small, and all work is bounded by the limits:
// one or two scans of the file in pieces of 64 KiB, and a hash whose rounds the
// standard bounds. So the check needs no goroutine, hence none can pile up.
//
// # Cost
//
// Nearly all of it is the hash of revision 6, just under 1 ms a password: twice
// for a candidate that is wrong (user, owner), and once for the empty password.
// Older revisions cost a fifth or less. BenchmarkCheck with three candidates, of
// which the last opens: 6 ms and 0.6 MB allocated, for 50 KB as for 3 MB, whose
// scan takes 0.2 ms. The library's reader took three times as long and allocated
// 20 (50 KB) to 28 times (3 MB) as much. A paid call takes a thousand times as
// long.
package pdfcheck
