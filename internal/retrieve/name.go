package retrieve

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"strings"

	"casflow/internal/casapi"
	"casflow/internal/redact"
)

const (
	maxName = 150 // bytes of a file's name in a key; a key has room for 1,024
	shortID = 12  // hex digits of a digest that need not withstand anybody
)

// idForm is what an id may be made of to stand in a key as it is.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_=+-][A-Za-z0-9._=+-]{0,99}$`)

// safeName makes the last part of a key of a file's name: without folders, characters
// that keys had better not have, and PANs; and ending in .pdf, as scans expect.
func safeName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "_"), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\{}^%[]"<>~#|*?&$@=;:,`+"`", r) {
			return '_'
		}
		return r
	}, name)
	name = strings.ReplaceAll(redact.PANs(name), "*", "x")
	stem := strings.Trim(strings.TrimSuffix(name, path.Ext(name)), ". ")
	if !strings.EqualFold(path.Ext(name), ".pdf") {
		stem = strings.Trim(name, ". ")
	}
	if len(stem) > maxName {
		stem = strings.ToValidUTF8(stem[:maxName], "")
	}
	if stem == "" {
		stem = "statement"
	}
	return stem + ".pdf"
}

// Mailbox names a mailbox in keys: message ids are unique within one only.
func Mailbox(provider, email string) string {
	return digest(strings.ToLower(provider), strings.ToLower(email))
}

// MailKeys are the keys of files that came by mail, of the same places; "" for one
// without a message id, which only its content can tell. They depend on the files
// alone, not on their order: the next listing has the same ones.
func MailKeys(mailbox string, files []casapi.InboxFile) []string {
	keys, times := make([]string, len(files)), map[string]int{}
	for n, file := range files {
		if file.MessageID == "" {
			continue
		}
		id := file.MessageID
		if !idForm.MatchString(id) || redact.PANs(id) != id {
			id = digest(id)
		}
		keys[n] = mailbox + "/" + id + "/" + safeName(file.Filename)
		times[keys[n]]++
	}
	for n, key := range keys { // a mail with several PDFs that the API names alike
		if times[key] > 1 {
			keys[n] = strings.TrimSuffix(key, ".pdf") + "-" + digest(files[n].OriginalFilename, files[n].CASType) + ".pdf"
		}
	}
	return keys
}

// digest is a short name of texts.
func digest(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:])[:shortID]
}
