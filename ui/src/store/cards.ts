/** The fields of a character's card, wherever its version keeps them. */

import type { Json } from "../api/http";

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

export function cardOf(value: Json): Json {
  const card = isObject(value.card) ? value.card : value;
  return isObject(card.data) ? card.data : card;
}
