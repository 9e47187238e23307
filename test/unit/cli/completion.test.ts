// The completions in the shells themselves, as far as they are on this machine: the script is read, and a line completed.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import { completionScript, type Shell } from '../../../src/cli/completion.ts';
import { build } from '../../../src/cli/program.ts';
import { catalog } from '../../../src/streams/catalog.ts';

const program = build(false, () => {});
const folder = mkdtempSync(join(tmpdir(), 'harvest-kafka-completion-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(shell: Shell): string {
  const file = join(folder, `harvest-kafka.${shell}`);
  writeFileSync(file, completionScript(program, shell));
  return file;
}

const isHere = (shell: Shell) => spawnSync(shell, ['-c', 'true']).status === 0;
const run = (shell: Shell, script: string) => execFileSync(shell, ['-c', script], { encoding: 'utf8', cwd: folder });
const lines = (text: string) => text.split('\n').filter((line) => line !== '');

/** The words that the shell offers at the end of each line; one shell for all of them. */
const OFFERS: Readonly<Record<'bash' | 'fish', (asked: readonly string[]) => string[][]>> = {
  bash: (asked) => {
    const asks = asked.map((line) => {
      const words = line.split(' ').map((word) => `'${word}'`);
      const ask = `COMPREPLY=(); COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _harvest_kafka`;
      return `${ask}; printf '%s\\n' "\${COMPREPLY[@]}"`;
    });
    return answers(asks, run('bash', `source ${fileOf('bash')}; ${asks.join(END)}`));
  },
  fish: (asked) => {
    const asks = asked.map((line) => `complete -C '${line}'`);
    const offered = answers(asks, run('fish', `source ${fileOf('fish')}; ${asks.join(END)}`));
    return offered.map((words) => words.map((each) => each.split('\t')[0]!));
  },
};

const END = '; echo ---; ';

/** What was printed for each of the asks. */
function answers(asks: readonly string[], printed: string): string[][] {
  const told = printed.split(/^---$/m).map(lines);
  expect(told).toHaveLength(asks.length);
  return told;
}

/** Every command with the words before it. */
function commandsBelow(command: Command, path: string): [string, Command][] {
  const here = command.commands.map((each): [string, Command] => [`${path} ${each.name()}`, each]);
  return [...here, ...here.flatMap(([words, each]) => commandsBelow(each, words))];
}

const STREAMS = catalog.map(({ name }) => name);

describe.each(['bash', 'fish'] as const)('in %s', (shell) => {
  const offered = OFFERS[shell];
  const here = isHere(shell);

  test.runIf(here)(
    'each command is offered, with its options',
    () => {
      const commands = commandsBelow(program, 'harvest-kafka');
      const [names, ...options] = offered(['harvest-kafka ', ...commands.map(([path]) => `${path} --`)]);
      expect(names!.sort()).toEqual(program.commands.map((each) => each.name()).sort());
      for (const [at, [path, command]] of commands.entries()) {
        const own = options[at]!.filter((word) => word.startsWith('--'));
        expect([path, own.sort()]).toEqual([path, command.options.map(({ long }) => long).sort()]);
      }
    },
    120_000,
  );

  test.runIf(here)(
    'names of streams are offered where one is wanted, `all` where that is one',
    () => {
      const wanted = ['verify', 'watch', 'state show', 'dead-letters list', 'run --only'];
      const others = ['pause ', 'watch clients time_en', 'completion '];
      const asked = [...wanted.map((line) => `${line} `), ...others].map((line) => `harvest-kafka ${line}`);
      const words = offered(asked).map((each) => each.sort());
      expect(words).toEqual([
        ...wanted.map(() => STREAMS.toSorted()),
        [...STREAMS, 'all'].sort(),
        ['time_entries'],
        ['bash', 'fish', 'zsh'],
      ]);
    },
    120_000,
  );

  test.runIf(here)(
    'files are offered for --config alone, and nothing for a value that nobody knows',
    () => {
      writeFileSync(join(folder, 'own-config.yaml'), '');
      const asked = ['harvest-kafka run --config own-', 'harvest-kafka reconcile --wait '];
      expect(offered(asked)).toEqual([['own-config.yaml'], []]);
    },
    120_000,
  );
});

describe('in zsh', () => {
  /** The line as it stands after the Tab key, in a zsh with a terminal of its own, which tells its line when it is asked. */
  const completed = (line: string): string => {
    const prepare = `PS1= RPS1=; autoload -Uz compinit && compinit -u -d ${join(folder, 'dump')}; source ${fileOf('zsh')}`;
    const told = `tell() { print -r -- "<$BUFFER>" }; zle -N tell; bindkey "^T" tell; print -r -- RE''ADY`;
    const file = join(folder, 'ask.zsh');
    const ask = `zmodload zsh/zpty
zpty terminal zsh -f -i
zpty -w terminal '${prepare}'
zpty -w terminal '${told.replaceAll("'", `'\\''`)}'
zpty -r -m terminal seen '*READY*'
zpty -w -n terminal '${line}'$'\t\x14'
zpty -r -m terminal answer '*<*>*'
print -r -- "$answer"
`;
    writeFileSync(file, ask);
    return /<(.*)>/.exec(execFileSync('zsh', [file], { encoding: 'utf8' }))![1]!;
  };

  test.runIf(isHere('zsh')).each([
    ['harvest-kafka dead', 'harvest-kafka dead-letters'],
    ['harvest-kafka state re', 'harvest-kafka state reset'],
    ['harvest-kafka run --onc', 'harvest-kafka run --once'],
    ['harvest-kafka watch time_en', 'harvest-kafka watch time_entries'],
  ])('the Tab key after "%s" makes it "%s"', (line, whole) => {
    expect(completed(line).trim()).toBe(whole);
  });
});
