# bash completion for caisson
# Written by cli/completion/generate; change that, or the program.

_caisson() {
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD-1]}
	local words= options=
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		words='id session file cache audit attest tour bench version help'
		COMPREPLY=($(compgen -W "$words --help --version" -- "$cur"))
		return
	fi
	case ${COMP_WORDS[1]} in
	id) words='new show list export import renew passphrase remove trust sign verify' ;;
	session) words='offer accept finish confirm show' ;;
	file) words='seal open inspect' ;;
	cache) words='get set delete stat reseal key master inspect' ;;
	audit) words='show verify export' ;;
	attest) words='regions snapshot report verify policy challenge serve watch evidence' ;;
	esac
	if [ "$COMP_CWORD" -eq 2 ] && [ -n "$words" ]; then
		COMPREPLY=($(compgen -W "$words --help" -- "$cur"))
		return
	fi
	case $prev in
	-o|--args-file|--audit|--cache|--cert|--challenge|--collateral|--document|--evidence|--first-key|--kem-key|--key|--key-file|--native|--new-passphrase-file|--out|--parent|--passphrase-file|--policy|--recipients|--root|--sample|--session|--state|--tls-cert|--tls-key|--trust)
		compopt -o filenames
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--identity)
		COMPREPLY=($(compgen -W "$(command ls "${CAISSON_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/caisson}/identities" 2>/dev/null)" -- "$cur"))
		return ;;
	--args|--at|--audience|--capabilities|--connections|--delegate|--duty|--endorsements|--epoch|--expect-head|--expires|--failures|--form|--format|--interval|--jitter|--kem|--key-fd|--keystore|--label|--leaf|--lifetime|--limit|--listen|--max-age|--max-ttl|--measure|--name|--new-passphrase-fd|--nonce|--not-before|--op|--output|--passphrase-fd|--per-address|--platform|--purposes|--rate|--remove|--require|--rounds|--scope|--serializer|--server|--sign|--since|--space|--subject|--tenant|--threads|--timeout|--to|--transport-tenant|--ttl|--type|--until|--withdraw|--workload)
		return ;;
	esac
	case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
	'id new') options='--sign --kem --capabilities --purposes --lifetime --encrypt --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'id show') options='--json --quiet --help' ;;
	'id list') options='--json --quiet --help' ;;
	'id export') options='--out --force --raw --pem --kem-pem --json --quiet --help' ;;
	'id import') options='--key --kem-key --kem --capabilities --purposes --lifetime --encrypt --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'id renew') options='--lifetime --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'id passphrase') options='--new-passphrase-file --new-passphrase-fd --remove --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'id remove') options='--force --json --quiet --help' ;;
	'id trust') options='--purposes --label --tenant --expires --update --withdraw --remove --trust --json --quiet --help' ;;
	'id sign') options='--subject --scope --expires --not-before --audience --delegate --parent --identity --out --force --raw --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'id verify') options='--scope --subject --audience --at --trust --json --quiet --help' ;;
	'session offer') options='--server --state --out --kem --ttl --unsigned --identity --trust --force --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'session accept') options='--state --out --kem --max-ttl --transport-tenant --audit --identity --trust --force --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'session finish') options='--state --session --out --tenant --audit --identity --trust --force --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'session confirm') options='--state --session --audit --identity --force --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'session show') options='--identity --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'file seal') options='--session --to --recipients --out --name --type --force --audit --identity --trust --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'file open') options='--session --out --pipe --name --at --max-age --force --audit --identity --trust --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'file inspect') options='--json --quiet --help' ;;
	'cache get') options='--out --force --text --tenant --form --format --scoped --space --no-integrity --key-file --key-fd --keystore --new-key --native --identity --trust --passphrase-file --passphrase-fd --plain --json --quiet --help' ;;
	'cache set') options='--ttl --tenant --form --format --scoped --space --no-integrity --key-file --key-fd --keystore --new-key --native --identity --trust --passphrase-file --passphrase-fd --plain --json --quiet --help' ;;
	'cache delete') options='--tenant --form --format --scoped --space --no-integrity --key-file --key-fd --keystore --new-key --native --identity --trust --passphrase-file --passphrase-fd --plain --json --quiet --help' ;;
	'cache stat') options='--space --json --quiet --help' ;;
	'cache reseal') options='--tenant --form --format --scoped --space --no-integrity --key-file --key-fd --keystore --new-key --native --identity --trust --passphrase-file --passphrase-fd --plain --json --quiet --help' ;;
	'cache key') options='--args --args-file --serializer --no-integrity --json --quiet --help' ;;
	'cache master') options='--to --epoch --force --identity --trust --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'cache inspect') options='--tenant --form --format --scoped --space --no-integrity --key-file --key-fd --keystore --new-key --native --identity --trust --passphrase-file --passphrase-fd --plain --json --quiet --help' ;;
	'audit show') options='--limit --tenant --op --since --until --json --quiet --help' ;;
	'audit verify') options='--expect-head --first-key --trust --json --quiet --help' ;;
	'audit export') options='--out --force --limit --tenant --op --since --until --json --quiet --help' ;;
	'attest regions') options='--json --quiet --help' ;;
	'attest snapshot') options='--measure --leaf --threads --json --quiet --help' ;;
	'attest report') options='--workload --identity --new-key --document --challenge --nonce --out --force --lifetime --leaves --measure --leaf --threads --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'attest verify') options='--policy --trust --workload --endorsements --cache --require --lenient --challenge --nonce --at --json --quiet --help' ;;
	'attest policy') options='--out --force --leaves --trust --workload --at --json --quiet --help' ;;
	'attest challenge') options='--policy --trust --workload --endorsements --cache --require --lenient --out --force --timeout --lifetime --json --quiet --help' ;;
	'attest serve') options='--workload --identity --new-key --listen --rate --duty --connections --per-address --timeout --tls-cert --tls-key --incremental --lifetime --leaves --measure --leaf --threads --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'attest watch') options='--interval --jitter --rounds --failures --output --workload --identity --new-key --lifetime --leaves --measure --leaf --threads --passphrase-file --passphrase-fd --json --quiet --help' ;;
	'attest evidence') options='--platform --evidence --cert --root --collateral --nonce --at --policy --require --json --quiet --help' ;;
	'tour '*) options='--sample --json --quiet --help' ;;
	'bench '*) options='--json --quiet --help' ;;
	'version '*) options='--json --quiet --help' ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$options" -- "$cur"))
	else
		compopt -o filenames
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}
complete -F _caisson caisson
