// Package scan records the objects under a prefix of a bucket in the ledger,
// however many they are.
//
// The keys are cut into ranges that are listed side by side. Nobody tells where to
// cut: each lister that has nothing to do asks S3 what comes behind the keys that
// begin as those do that another one is at, and takes what there is:
//
//	lister 1    (..................................... 000999 .............]
//	what comes after 0...?  100000
//	lister 1    (..................................... 000999 ... 100000]
//	lister 2                                                      (100000 .............]
//
// The end of a range is always a key that S3 has given. With each page the ledger
// notes, in the statement that records its documents, how far its range has come; a
// scan that is cut short goes on from there. Memory does not grow with the number of
// objects: there is a page per lister.
//
//	summary, err := scan.Run(ctx, db, store, scan.Options{Bucket: "cas", Prefix: "2026-05/", ...})
package scan
