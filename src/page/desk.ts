/** `/desk`: for organisers. */
import { find, say } from './dom.ts';
import { desk as text } from './text/en.ts';

say(find('h1'), text.title);
