package jobs

import (
	"regexp"
	"slices"
	"strings"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

var panPattern = regexp.MustCompile(`^[A-Z]{5}[0-9]{4}[A-Z]$`)

// asPAN gives a PAN in its one form, or "" for what is none.
func asPAN(text string) string {
	pan := strings.ToUpper(strings.TrimSpace(text))
	if !panPattern.MatchString(pan) {
		return ""
	}
	return pan
}

// readPAN is asPAN for a value of the answer.
func readPAN(v casapi.Value) string {
	text, ok := v.Text()
	if !ok {
		return ""
	}
	return asPAN(text)
}

// pan is whose statement it is: the investor's, else the one that was supplied,
// else the only one that all folios and accounts name which name any. So a joint
// holder does not stand in the way where another account tells.
func (n *normalizer) pan(investor casapi.Value, supplied string) string {
	if pan := readPAN(investor); pan != "" {
		return pan
	}
	n.header.cannotRead("investor.pan", investor)
	if pan := asPAN(supplied); pan != "" {
		return pan
	}
	if len(n.holders) == 0 {
		return ""
	}
	agreed := slices.Clone(n.holders[0])
	for _, named := range n.holders[1:] {
		agreed = slices.DeleteFunc(agreed, func(pan string) bool { return !slices.Contains(named, pan) })
	}
	slices.Sort(agreed)
	if agreed = slices.Compact(agreed); len(agreed) != 1 {
		return ""
	}
	return agreed[0]
}

// named notes the PANs that a folio or account names; "" is none.
func (n *normalizer) named(pans ...string) {
	pans = slices.DeleteFunc(pans, func(pan string) bool { return pan == "" })
	if len(pans) > 0 {
		n.holders = append(n.holders, pans)
	}
}

// linkedHolders adds the linked holders of an account.
func (n *normalizer) linkedHolders(kind string, account int, holders *casapi.List[casapi.LinkedHolder], parent *row) {
	list(parent, "linked_holders", holders)
	var pans []string
	for i := range holders.Items {
		h := &holders.Items[i]
		r := n.row(tableLinkedHolders)
		r.members("", h.Extra)
		holder := storage.LinkedHolder{
			HolderKind: kind, Account: account, Ordinal: i, Name: r.text("name", h.Name), PAN: r.pan("pan", h.PAN),
		}
		holder.Rest = r.rest()
		pans = append(pans, holder.PAN)
		n.out.LinkedHolders = append(n.out.LinkedHolders, holder)
	}
	n.named(pans...)
}
