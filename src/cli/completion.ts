// `completion` prints what the Tab key offers in bash, zsh and fish. The script is made from the commands themselves and holds
// all it offers, so that no key press starts a process.
import type { Argument, Command, Option } from 'commander';
import { catalog } from '../streams/catalog.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** One place on the command line: after these words, so much can follow. */
interface Place {
  /** The words of the command, a blank before each: ` state show`; empty before the first. */
  readonly path: string;
  readonly words: readonly Offer[];
  /** Names of streams can follow too. */
  readonly takesStreams: boolean;
  readonly options: readonly OfferedOption[];
}

interface Offer {
  readonly word: string;
  readonly about: string;
}

interface OfferedOption {
  readonly long: string;
  readonly short: string | null;
  readonly about: string;
  /** The kind of its value; null when it takes none. */
  readonly value: 'file' | 'stream' | 'other' | null;
}

/** The script for that shell, to be read by it at its start. */
export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program, '');
  const render = { bash, zsh, fish }[shell];
  return render(places);
}

function placesOf(command: Command, path: string): Place[] {
  const commands = command.commands.map((each) => ({ word: each.name(), about: each.description() }));
  const place: Place = {
    path,
    words: [...commands, ...command.registeredArguments.flatMap(offersOf)],
    takesStreams: command.registeredArguments.some((argument) => argument.name().startsWith(STREAM)),
    options: command.options.map(optionOf),
  };
  return [place, ...command.commands.flatMap((each) => placesOf(each, `${path} ${each.name()}`))];
}

const STREAM = 'stream';

/** The words that can stand in the place of an argument, besides names of streams; none where they are not known beforehand. */
function offersOf(argument: Argument): Offer[] {
  const others = argument.name().split('|').slice(1);
  return [...(argument.argChoices ?? []), ...others].map((word) => ({ word, about: '' }));
}

function optionOf({ long, short, description, required, optional }: Option): OfferedOption {
  const takesValue = required || optional;
  return {
    long: long!,
    short: short ?? null,
    about: description,
    value: takesValue ? (VALUES[long!] ?? 'other') : null,
  };
}

const VALUES: Readonly<Record<string, OfferedOption['value']>> = {
  '--config': 'file',
  '--data': 'file',
  '--only': 'stream',
};

const STREAMS = catalog.map(({ name }) => name).join(' ');

/** The words by which the path is found, as patterns of a shell's `case`. */
function pathsOf(places: readonly Place[]): string[] {
  return places.map(({ path }) => path).filter((path) => path !== '');
}

function flagsOf(places: readonly Place[], value: OfferedOption['value']): string[] {
  const flags = places.flatMap(({ options }) => options.filter((option) => option.value === value));
  return [...new Set(flags.flatMap(({ long, short }) => (short === null ? [long] : [short, long])))];
}

function longsOf({ options }: Place): string[] {
  return options.map(({ long }) => long);
}

function bash(places: readonly Place[]): string {
  const offers = places.map((place) => {
    const words = [...place.words.map(({ word }) => word), ...(place.takesStreams ? ['$streams'] : [])].join(' ');
    return `    '${place.path}') words="${words}" options='${longsOf(place).join(' ')}' ;;`;
  });
  return `# harvest-kafka completion for bash: source it, or put it into bash-completion's folder.
_harvest_kafka() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path= words= options= i
  local streams='${STREAMS}'
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
      ${pathsOf(places).map(quoted).join('|')}) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$prev" in
    ${flagsOf(places, 'file').join('|')}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ${flagsOf(places, 'stream').join('|')}) COMPREPLY=($(compgen -W "$streams" -- "$cur")); return ;;
    ${flagsOf(places, 'other').join('|')}) return ;;
  esac
  case "$path" in
${offers.join('\n')}
  esac
  [[ $cur == -* ]] && words=$options
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _harvest_kafka harvest-kafka
`;
}

function zsh(places: readonly Place[]): string {
  const described = ({ word, about }: Offer) =>
    quoted(`${word}${about === '' ? '' : `:${about.replaceAll(':', '\\:')}`}`);
  const offers = places.map(({ path, words, takesStreams, options }) => {
    const named = [...words.map(described), ...(takesStreams ? ['$streams'] : [])];
    const flags = options.map(({ long, about }) => described({ word: long, about }));
    return `    '${path}')
      offers=(${named.join(' ')})
      options=(${flags.join(' ')}) ;;`;
  });
  return `#compdef harvest-kafka
# harvest-kafka completion for zsh: source it after compinit, or put it as _harvest-kafka into a folder of $fpath.
_harvest_kafka() {
  local place= i
  local -a offers options streams
  streams=(${STREAMS})
  for ((i = 2; i < CURRENT; i++)); do
    case "$place \${words[i]}" in
      (${pathsOf(places).map(quoted).join('|')}) place="$place \${words[i]}" ;;
    esac
  done
  case "\${words[CURRENT-1]}" in
    (${flagsOf(places, 'file').join('|')}) _files; return ;;
    (${flagsOf(places, 'stream').join('|')}) _describe stream streams; return ;;
    (${flagsOf(places, 'other').join('|')}) return ;;
  esac
  case "$place" in
${offers.join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then _describe -o option options; else _describe argument offers; fi
}
if [[ "$funcstack[1]" == "_harvest-kafka" ]]; then _harvest_kafka "$@"; else compdef _harvest_kafka harvest-kafka; fi
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words, takesStreams, options }) => {
    const at = `complete -c harvest-kafka -n '__harvest_kafka_at "${path}"'`;
    return [
      ...words.map(({ word, about }) => `${at} -a ${word}${about === '' ? '' : ` -d ${quoted(about)}`}`),
      ...(takesStreams ? [`${at} -a '${STREAMS}'`] : []),
      ...options.map(({ long, short, about, value }) => {
        const flags = `-l ${long.slice(2)}${short === null ? '' : ` -s ${short.slice(1)}`}`;
        return `${at} ${flags}${FISH_VALUES[value ?? 'none']} -d ${quoted(about)}`;
      }),
    ];
  });
  return `# harvest-kafka completion for fish: put it into ~/.config/fish/completions/harvest-kafka.fish.
function __harvest_kafka_at
  set -l place ''
  for word in (commandline -opc)[2..-1]
    switch "$place $word"
      case ${pathsOf(places).map(quoted).join(' ')}
        set place "$place $word"
    end
  end
  test "$place" = "$argv[1]"
end
complete -c harvest-kafka -f
${lines.join('\n')}
`;
}

const FISH_VALUES = { none: '', file: ' -r -F', stream: ` -x -a '${STREAMS}'`, other: ' -x' } as const;

/** In single quotes, as all three shells read them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
