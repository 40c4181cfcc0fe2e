/**
 * A new server: the form shows what matters, presets start by one click.
 */

import { enable } from "app/serverform";

enable(document.querySelector("[data-server-form]"));
