// The accounts of a file of their own, beside or instead of those of the configuration: whoever adds a customer need not touch the
// rest, and running instances of a group read it again.
import { type Document, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { Problem } from './problems.ts';
import { type Environment, substitute } from './substitute.ts';

const SECTION = 'harvest';
const ACCOUNTS = [SECTION, 'accounts'];

/** Appends the accounts of the file to those of the document; answers where each stands, by its dotted path. */
export function appendAccounts(document: Document, environment: Environment, problems: Problem[]): Map<string, string> {
  const places = new Map<string, string>();
  const named = document.hasIn([SECTION]) ? document.getIn([SECTION, 'accounts_file']) : undefined;
  // Anything but a text is refused with the other keys, and so is a variable that is missing.
  const file = typeof named === 'string' ? substitute(named, false, environment, () => {}) : null;
  if (file === null || file === '') return places;
  const lines = new LineCounter();
  for (const item of items(file, lines, environment, problems)) {
    if (!isSeq(document.getIn(ACCOUNTS))) document.setIn(ACCOUNTS, document.createNode([]));
    const list = document.getIn(ACCOUNTS);
    if (!isSeq(list)) return places;
    const { line, col } = lines.linePos(item.range?.[0] ?? 0);
    places.set(`${ACCOUNTS.join('.')}.${list.items.length}`, `${file}:${line}:${col}`);
    list.items.push(standingNowhere(item));
  }
  return places;
}

/** The node without the places of its parts, which are none of the configuration's own file. */
function standingNowhere(node: Node): Node {
  visit(node, {
    Node: (_, part) => {
      part.range = null;
    },
  });
  return node;
}

function items(file: string, lines: LineCounter, environment: Environment, problems: Problem[]): readonly Node[] {
  const complain = (message: string) => {
    problems.push({ place: file, message });
    return [];
  };
  let text: string;
  try {
    text = environment.readFile(file).toString();
  } catch {
    // Told with its key: every file that the configuration names has to be readable.
    return [];
  }
  // Without pretty errors: those quote the line, and the line may hold a token.
  const { contents, errors } = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (errors.length > 0) return complain(`not valid YAML: ${errors[0]!.code.toLowerCase().replaceAll('_', ' ')}`);
  return isSeq<Node>(contents)
    ? contents.items
    : complain('must be a list of accounts, each as under harvest.accounts');
}
