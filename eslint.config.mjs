// What our own script may do. An undeclared name is an error: nothing else notices it before a person does.
import js from "@eslint/js";
import globals from "globals";

const HTML = "Bytes from sockets are hostile: build nodes and set textContent.";
const RELATIVE = "Import by the import map's name (\"app/...\"): a relative path would miss the hashed file.";

export default [
  { ignores: [".build/", ".venv/", "node_modules/", "var/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "consistent-return": "error",
      "default-case-last": "error",
      eqeqeq: "error",
      "no-implicit-coercion": ["error", { boolean: false }],
      "no-promise-executor-return": "error",
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-undef": ["error", { typeof: true }],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["static/js/**/*.js"],
    languageOptions: { globals: globals.browser },
    rules: {
      "no-alert": "error",
      "no-console": ["error", { allow: ["warn", "error"] }],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-imports": ["error", { patterns: [{ regex: "^\\.", message: RELATIVE }] }],
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML", "createContextualFragment", "srcdoc"].map((property) => ({
          property,
          message: HTML,
        })),
        { object: "document", property: "write", message: HTML },
      ],
    },
  },
  {
    files: ["tests/js/**/*.{js,mjs}"],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
  { files: ["*.mjs"], languageOptions: { globals: globals.node } },
];
