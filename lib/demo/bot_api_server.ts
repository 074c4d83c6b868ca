export interface BotApiServer { url: string; close(): Promise<void>; user(u: {id:number; firstName: string; languageCode: string}): any }
export function startBotApiServer(_o: {token: string; port?: number; sample: unknown}): Promise<BotApiServer> { throw new Error("x"); }
